"""The measures as charts."""
