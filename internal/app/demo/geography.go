package demo

import (
	"os"
	"path/filepath"

	"github.com/rootkeep/rootkeep/internal/detect/origin/origintest"
)

// writeGeography writes the address database that the story's hunts use: addresses for
// documentation lie nowhere.
func writeGeography(folder string) (path string, err error) {
	file, err := origintest.Countries(map[string]string{"192.0.2.0/24": "DE", "198.51.100.0/24": "US", "203.0.113.0/24": "BR"})
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, "countries.mmdb")
	return path, os.WriteFile(path, file, 0o600)
}
