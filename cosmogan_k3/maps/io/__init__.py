"""Files of maps: one module a format, and reading and writing of any of them."""
