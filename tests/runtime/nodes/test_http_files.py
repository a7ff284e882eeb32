"""http.request with files: answers of any bytes become one, and files are sent as bodies or in forms, a part at a time."""
