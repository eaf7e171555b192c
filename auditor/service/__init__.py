"""The long-running process: feeds, alert sinks, health, metrics, signals, reload."""
