"""The command `its`: one file a group of commands."""
