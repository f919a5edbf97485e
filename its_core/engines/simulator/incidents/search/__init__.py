"""Looks through ordinary traffic for moments in which one error would lead to an incident."""
