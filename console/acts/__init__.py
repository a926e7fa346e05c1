"""What an operator may have done: the words, what they come to, and the page that asks before."""
