# Users who have a certificate of this CA may log in; the host shows its own.
TrustedUserCAKeys /etc/ssh/ca.pub
HostCertificate /etc/ssh/{{ .User.Certificate }}
HostKey /etc/ssh/{{ .User.Key }}
