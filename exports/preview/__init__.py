"""What a file looks like, without taking it: tables, archives, workbooks."""
