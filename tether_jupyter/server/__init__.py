"""The doors: decode a request, make one call, encode the answer."""
