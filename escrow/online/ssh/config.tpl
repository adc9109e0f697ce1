# What step ssh wrote for hosts of this CA.
Include "{{ .User.StepPath }}/ssh/config"
