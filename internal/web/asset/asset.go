// Package asset holds what pages load beside themselves: one style sheet, modules of
// ours, an icon. Each is served under an address with the hash of its content, so that
// browsers keep it for good and never mix two versions.
package asset

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/chart"
)

// Prefix is where the files are.
const Prefix = "/asset/"

//go:embed *.css *.js *.svg
var files embed.FS

type file struct {
	name, address string
	body          []byte
}

// all are the files by the last part of their address. Modules may import each other
// by plain name: those addresses are served too, but not kept.
var all = sync.OnceValue(func() map[string]file {
	out := map[string]file{}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic(err) // embedded
	}
	for _, e := range entries {
		body, err := fs.ReadFile(files, e.Name())
		if err != nil {
			panic(err) // embedded
		}
		if e.Name() == "rootkeep.css" {
			body = append(bytes.Clone(body), chart.CSS...) // one style sheet: pages load one
		}
		sum := sha256.Sum256(body)
		base, ext, _ := strings.Cut(e.Name(), ".")
		f := file{e.Name(), base + "-" + hex.EncodeToString(sum[:8]) + "." + ext, body}
		out[f.address] = f
		out[f.name] = f
	}
	return out
})

// Path is the address of a file by its name, such as rootkeep.css. It panics if there is
// no such file: names are constants.
func Path(name string) string {
	f, ok := all()[name]
	if !ok {
		panic("asset: no file " + name)
	}
	return Prefix + f.address
}

// Handler serves the files.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last := strings.TrimPrefix(r.URL.Path, Prefix)
		f, ok := all()[last]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if last == f.address {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		w.Header().Set("Content-Type", mediaTypes[path.Ext(f.name)])
		w.Header().Set("ETag", `"`+f.address+`"`)
		http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.body))
	})
}

// mediaTypes are said here, because those of the machine differ.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}
