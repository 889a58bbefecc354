"""Calls in threads or on Dask workers, and sets of maps as folders of files."""
