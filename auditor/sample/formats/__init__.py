"""One file a format, or a family of formats that differ in a parameter. Each writes its folder and the truth about its files."""
