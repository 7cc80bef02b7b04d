package archive

import (
	"strings"
	"testing"
)

func TestPlacesOfLogs(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a place":                 {"hunts: [{name: trail, paths: [/srv/trail], keys: [/etc/keys.json], days: 30}]", ""},
		"a bucket":                {"hunts: [{name: trail, paths: ['s3://logs/AWSLogs'], days: 30}]", ""},
		"a bucket without a name": {"hunts: [{name: trail, paths: ['s3:///AWSLogs']}]", "want s3://BUCKET/PREFIX"},
		"a bucket with keys":      {"hunts: [{name: trail, paths: ['s3://logs/AWSLogs'], keys: [/etc/keys.json]}]", "of a copy only"},
		"none":                    {"", ""},
		"a path of the process":   {"hunts: [{name: trail, paths: [trail]}]", "want an absolute one"},
		"a key file beside it":    {"hunts: [{name: trail, paths: [/srv/trail], keys: [keys.json]}]", "want an absolute one"},
		"no path":                 {"hunts: [{name: trail}]", "paths: want at least one"},
		"no name":                 {"hunts: [{paths: [/srv/trail]}]", `name ""`},
		"a name with a path":      {"hunts: [{name: ../trail, paths: [/srv/trail]}]", "want small letters"},
		"twice":                   {"hunts: [{name: a, paths: [/a]}, {name: a, paths: [/b]}]", "a second one"},
		"the future":              {"hunts: [{name: a, paths: [/a], days: -1}]", "days -1"},
		"a field that is none":    {"hunts: [{name: a, path: /a}]", "unknown field"},
		"a file without a limit":  {strings.Repeat("#", mostFile+1), "more than 256 KiB"},
	} {
		if _, err := parse(strings.NewReader(c.text)); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
