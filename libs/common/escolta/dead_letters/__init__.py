"""Messages that nobody will try again: an operator looks at them, puts them back, or drops them."""
