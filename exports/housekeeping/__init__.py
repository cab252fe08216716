"""What runs now and then: sweeping what crashes leave behind."""
