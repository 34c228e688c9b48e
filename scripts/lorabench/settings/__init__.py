"""The pictures of a sweep: which there are, what they are named, how long they take."""
