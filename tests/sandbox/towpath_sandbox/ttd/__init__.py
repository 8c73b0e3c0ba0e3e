"""The Trade Desk's Data API: six endpoints that look at every item, and say what is wrong with it."""
