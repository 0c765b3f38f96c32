"""Picture files and folders of them as frames."""
