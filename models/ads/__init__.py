"""Click prediction for ad targeting."""
