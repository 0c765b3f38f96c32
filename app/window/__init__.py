"""The main window: menus, columns, start page, status bar."""
