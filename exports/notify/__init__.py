"""Telling people and programs outside: mails and relayed messages."""
