"""Scripts that write the files which are made from the program: schemas and reference pages."""
