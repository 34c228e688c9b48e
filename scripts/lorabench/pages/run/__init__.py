"""One self-contained page on a run: `runs/<run_id>/report.html`."""
