"""Messages to people and to other programs: mails, and progress that is relayed to an address."""
