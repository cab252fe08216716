"""How an export moves and ends. Nothing else calls `Export.move`."""
