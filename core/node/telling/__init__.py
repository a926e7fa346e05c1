"""The desks that tell people who look at no screen."""
