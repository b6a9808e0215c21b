"""What keeps a poor hook from being a problem of the others: lanes, pauses, slots, shares of threads."""
