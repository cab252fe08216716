"""What people and programs ask for: creating exports, cancel, retry, adopt, in bulk, lists and filters."""
