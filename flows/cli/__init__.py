"""The command `its`: a folder for each group of commands."""
