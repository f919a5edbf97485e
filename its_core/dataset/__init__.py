"""What is published: labels, lineage, versions, writers, reader and contact sheet."""
