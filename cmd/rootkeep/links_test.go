package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	heading   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	reference = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	noAnchor  = regexp.MustCompile(`[^\w\- ]`)
)

// anchorsOf are what the headings of a document can be linked by, as GitHub makes them: small
// letters, hyphens for spaces, and nothing else.
func anchorsOf(text string) map[string]bool {
	out := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		plain := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(strings.ToLower(h[1]), "$1")
		out[strings.ReplaceAll(noAnchor.ReplaceAllString(plain, ""), " ", "-")] = true
	}
	return out
}

// TestLinksOfDocumentsLeadSomewhere follows each link between documents, to the heading that
// it names.
func TestLinksOfDocumentsLeadSomewhere(t *testing.T) {
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	paths = append(paths, "../../README.md", "../../ARCHITECTURE.md")
	texts := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Clean(path)] = string(text)
	}
	followed := 0
	for path, text := range texts {
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, ":") { // elsewhere
				continue
			}
			to := path
			if file != "" {
				to = filepath.Join(filepath.Dir(path), file)
			}
			followed++
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s is not there", path, m[1])
			} else if there, ok := texts[to]; ok && anchor != "" && !anchorsOf(there)[anchor] {
				t.Errorf("%s: %s has no heading %q", path, file, anchor)
			}
		}
	}
	if followed < 100 {
		t.Errorf("got %d links, want those of the documents", followed)
	}
}
