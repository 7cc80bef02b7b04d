package serve

import (
	"net/url"
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
}

// fields lists every setting. A setting that is not here is not one: flags, the list of
// what holds and the documentation go by it.
func (c *Settings) fields() []field {
	return []field{
		{"url", &c.URL, nil},
		{"listen", &c.Listen, nil},
		{"tls.cert", &c.TLS.Cert, nil},
		{"tls.key", &c.TLS.Key, nil},
		{"behind_proxy", nil, &c.BehindProxy},
		{"store", &c.Store, nil},
		{"key_file", &c.KeyFile, nil},
		{"roles", nil, &c.Roles},
		{"register", &c.Register, nil},
		{"controls", nil, &c.Controls},
		{"log.format", &c.Log.Format, nil},
		{"log.level", &c.Log.Level, nil},
		{"traces.endpoint", &c.Traces.Endpoint, nil},
	}
}

func (f field) given() bool { return f.one != nil && *f.one != "" || f.many != nil && len(*f.many) > 0 }

func (f field) take(other field) {
	if f.one != nil {
		*f.one = *other.one
	} else {
		*f.many = *other.many
	}
}

func (f field) text() string {
	if f.one != nil {
		return withoutPassword(*f.one)
	}
	return strings.Join(*f.many, ", ")
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
