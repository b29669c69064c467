window.settings = "__SETTINGS__"
