# Hosts that have a certificate of this CA are known by it, and get a certificate of the user.
Match exec "step ssh check-host{{ with .User.Context }} --context {{ . }}{{ end }} %h"
{{- with .User.User }}
	User {{ . }}
{{- end }}
	UserKnownHostsFile "{{ .User.StepPath }}/ssh/known_hosts"
	ProxyCommand step ssh proxycommand
{{- with .User.Context }} --context {{ . }}{{ end }}
{{- with .User.Provisioner }} --provisioner {{ . }}{{ end }} %r %h %p
