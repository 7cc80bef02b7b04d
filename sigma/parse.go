package sigma

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/sigma/yamldoc"
)

// Error is one problem of a rule file: File, Line, Column (from 1) and Msg.
type Error = yamldoc.Error

// Parse reads a file of one or more YAML documents, each a rule, a correlation
// or a filter. It returns the documents without a fault, and the faults of the
// others as a joined error whose parts are *Error. Top-level keys that Sigma
// does not define are kept in Header.Custom; anchors, aliases and tags are
// refused, as is a file above 1 MiB.
func Parse(file string, src []byte) ([]Document, error) {
	var docs []Document
	err := yamldoc.Read(file, src, func(r *yamldoc.Reader, body ast.Node) {
		before := r.Problems()
		doc := (&reader{r, file}).document(body)
		if r.Problems() == before {
			docs = append(docs, doc)
		}
	})
	return docs, err
}

// reader reads the Sigma documents of one file.
type reader struct {
	*yamldoc.Reader
	file string
}

func (r *reader) document(body ast.Node) Document {
	top, ok := r.Mapping(body, "a Sigma document")
	if !ok {
		return Document{}
	}
	doc := Document{File: r.file, Line: r.Line(body)}
	switch r.kind(top, body) {
	case "detection":
		doc.Rule = r.rule(top)
	case "correlation":
		doc.Correlation = r.correlation(top)
	case "filter":
		doc.Filter = r.filter(top)
	}
	return doc
}

// kind is the one of the three defining keys that the document has.
func (r *reader) kind(top []yamldoc.Entry, body ast.Node) string {
	kind := ""
	for _, e := range top {
		switch e.Name {
		case "detection", "correlation", "filter":
			if kind != "" {
				r.Fail(e.Key, "a document has either %s or %s", kind, e.Name)
				return ""
			}
			kind = e.Name
		}
	}
	if kind == "" {
		r.Fail(body, "document has none of detection, correlation and filter")
	}
	return kind
}
