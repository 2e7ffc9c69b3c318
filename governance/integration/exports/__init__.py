"""Lists written into files in the background, for whoever asked for them."""
