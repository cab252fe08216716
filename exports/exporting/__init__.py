"""Creating exports, acting on one or many of them (cancel, retry, adopt, delete the file), and listing them."""
