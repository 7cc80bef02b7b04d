package serve

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Value is one setting as it holds.
type Value struct {
	Name  string `json:"name"`
	Value string `json:"value"` // secrets redacted
	From  string `json:"from"`  // default, flag, or the file
}

// field is a setting by its name in the file.
type field struct {
	Name string
	one  *string
	many *[]string
	sets *map[string][]string
}

// fields lists every setting. A setting that is not here is not one: flags, the list of
// what holds and the documentation go by it.
func (c *Settings) fields() []field {
	return []field{
		{"url", &c.URL, nil, nil},
		{"listen", &c.Listen, nil, nil},
		{"tls.cert", &c.TLS.Cert, nil, nil},
		{"tls.key", &c.TLS.Key, nil, nil},
		{"behind_proxy", nil, &c.BehindProxy, nil},
		{"store", &c.Store, nil, nil},
		{"key_file", &c.KeyFile, nil, nil},
		{"roles", nil, &c.Roles, nil},
		{"register", &c.Register, nil, nil},
		{"controls", nil, &c.Controls, nil},
		{"frameworks", nil, &c.Frameworks, nil},
		{"log.format", &c.Log.Format, nil, nil},
		{"log.level", &c.Log.Level, nil, nil},
		{"traces.endpoint", &c.Traces.Endpoint, nil, nil},
		{"openid.name", &c.OpenID.Name, nil, nil},
		{"openid.issuer", &c.OpenID.Issuer, nil, nil},
		{"openid.client_id", &c.OpenID.ClientID, nil, nil},
		{"openid.client_secret_file", &c.OpenID.SecretFile, nil, nil},
		{"openid.groups_claim", &c.OpenID.Claim, nil, nil},
		{"openid.groups", nil, nil, &c.OpenID.Groups},
		{"authenticators", &c.Authenticators, nil, nil},
		{"alerts", &c.Alerts, nil, nil},
		{"approvals", &c.Approvals, nil, nil},
		{"anchors", &c.Anchors, nil, nil},
		{"hunts", &c.Hunts, nil, nil},
		{"backup.folder", &c.Backup.Folder, nil, nil},
		{"backup.keep", &c.Backup.Keep, nil, nil},
		{"changes.folders", nil, &c.Changes.Folders, nil},
		{"changes.read_role", &c.Changes.ReadRole, nil, nil},
		{"changes.write_role", &c.Changes.WriteRole, nil, nil},
		{"changes.broker_role", &c.Changes.BrokerRole, nil, nil},
		{"changes.external_id", &c.Changes.ExternalID, nil, nil},
		{"changes.profile", &c.Changes.Profile, nil, nil},
		{"changes.region", &c.Changes.Region, nil, nil},
		{"changes.within", &c.Changes.Within, nil, nil},
		{"root.folders", nil, &c.Root.Folders, nil},
		{"watch.sources", &c.Watch.Sources, nil, nil},
		{"watch.detections", &c.Watch.Detections, nil, nil},
		{"nats.url", &c.NATS.URL, nil, nil},
		{"nats.credentials", &c.NATS.Credentials, nil, nil},
		{"nats.ca", &c.NATS.CA, nil, nil},
		{"nats.replicas", &c.NATS.Replicas, nil, nil},
		{"notify.ways", &c.Notify.Ways, nil, nil},
		{"notify.folders", nil, &c.Notify.Folders, nil},
		{"tiles", &c.Tiles, nil, nil},
	}
}

func (f field) given() bool {
	switch {
	case f.one != nil:
		return *f.one != ""
	case f.many != nil:
		return len(*f.many) > 0
	}
	return len(*f.sets) > 0
}

// take sets the field to what the same field of other settings has.
func (f field) take(other field) {
	switch {
	case f.one != nil:
		*f.one = *other.one
	case f.many != nil:
		*f.many = *other.many
	default:
		*f.sets = *other.sets
	}
}

func (f field) text() string {
	switch {
	case f.one != nil:
		return withoutPassword(*f.one)
	case f.many != nil:
		return strings.Join(*f.many, ", ")
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(*f.sets)) {
		out = append(out, name+": "+strings.Join((*f.sets)[name], ", "))
	}
	return strings.Join(out, "; ")
}

// Effective gives every setting as it holds and where it came from.
func (c Settings) Effective() ([]Value, error) {
	if err := c.resolve(); err != nil {
		return nil, err
	}
	var out []Value
	for _, f := range c.fields() {
		from := c.from[f.Name]
		if from == "" {
			from = "default"
		}
		out = append(out, Value{f.Name, f.text(), from})
	}
	return out, nil
}

// withoutPassword redacts the password of an address such as that of PostgreSQL.
func withoutPassword(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return "(an address that does not parse)"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "redacted")
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "redacted")
		u.RawQuery = q.Encode()
	}
	return u.String()
}
