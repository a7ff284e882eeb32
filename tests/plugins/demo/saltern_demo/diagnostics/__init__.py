"""The pages of this plugin's diagnostics, in docs/<code>.md."""
