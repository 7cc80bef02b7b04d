package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConnection(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mine, open, empty := write("mine", "rk_mine\n", 0o600), write("open", "rk_open\n", 0o644), write("empty", " \n", 0o600)
	write("configured/rootkeep/token", "rk_configured", 0o600)
	for _, test := range []struct {
		name, server, file, envServer, envToken, config string
		want                                            string // part of the error; empty for none
	}{
		{"flags", "https://a.example", mine, "", "", "none", ""},
		{"the environment", "", "", "https://a.example", "rk_env", "none", ""},
		{"the configuration folder", "https://a.example", "", "", "", "configured", ""},
		{"no server", "", mine, "", "", "none", "which server?"},
		{"no token", "https://a.example", "", "", "", "none", "no token"},
		{"a file that others may read", "https://a.example", open, "", "", "none", "chmod 600"},
		{"an empty file", "https://a.example", empty, "", "", "none", "want one secret"},
		{"a file that does not exist", "https://a.example", filepath.Join(folder, "none"), "", "rk_env", "none", "no such file"},
		{"a server without encryption", "http://a.example", mine, "", "", "none", "want https"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("ROOTKEEP_SERVER", test.envServer)
			t.Setenv("ROOTKEEP_TOKEN", test.envToken)
			t.Setenv("XDG_CONFIG_HOME", filepath.Join(folder, test.config))
			n := Connection{server: test.server, tokenFile: test.file}
			c, err := n.Client()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that has %q", err, test.want)
			}
			if err == nil && c.Server() != "https://a.example" {
				t.Errorf("got %s", c.Server())
			}
		})
	}
}
