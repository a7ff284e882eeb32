"""Makes the site of the pages: pure functions from their text, the specs and the findings to what a generator builds."""
