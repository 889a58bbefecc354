"""Whether generated maps are new: nearest training maps, duplicates and diversity."""
