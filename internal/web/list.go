package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/client"
)

// Paging is the part of an operation's input that every list has. Embed it.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"512" doc:"Cursor of the page, as the page before gave it in next; none for the first"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Most items of a page"`
}

// Most items of a page of the console.
const PageSize = 50

// Cursor makes a cursor of the values by which the last item of a page is ordered. It
// protects nothing: a list must ask for the same permissions with any cursor.
func Cursor(values ...string) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// ReadCursor gives the n values of a cursor, nil for the empty one.
func ReadCursor(cursor string, n int) ([]string, error) {
	if cursor == "" {
		return nil, nil
	}
	var values []string
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, &values)
	}
	if err != nil || len(values) != n || len(cursor) > 512 {
		return nil, &Refusal{Status: http.StatusUnprocessableEntity, Kind: "invalid", Detail: "the cursor is not one of this list",
			Errors: []client.Fault{{Message: "not a cursor of this list", Location: "query.cursor"}}}
	}
	return values, nil
}

// PageOf makes a page of items that were read with one more than limit: cursor gives the
// cursor of the last item that the page shows.
func PageOf[T any](items []T, limit int, cursor func(T) string) client.Page[T] {
	p := client.Page[T]{Items: items}
	if len(items) > limit {
		p.Items = items[:limit]
		p.Next = cursor(p.Items[limit-1])
	}
	if p.Items == nil {
		p.Items = []T{} // an empty list, not null
	}
	return p
}

// ETag is the entity tag of a version of something that two people can edit.
func ETag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// IfMatch holds a change to the version that its maker read: header is If-Match. A
// change without one is refused (RFC 6585, 428), one of another version too (412).
func IfMatch(header string, version int64) error {
	switch strings.TrimSpace(header) {
	case "":
		return Refuse(http.StatusPreconditionRequired, "version-needed", "this needs If-Match with the ETag that was read")
	case ETag(version):
		return nil
	}
	return Refuse(http.StatusPreconditionFailed, "version-changed", "somebody changed it in between; hint: read it again")
}

// Version reads the version of an entity tag that ETag made.
func Version(tag string) (int64, error) {
	text, begins := strings.CutPrefix(strings.TrimSpace(tag), `"`)
	text, ends := strings.CutSuffix(text, `"`)
	version, err := strconv.ParseInt(text, 10, 64)
	if !begins || !ends || err != nil || version < 1 {
		return 0, Refuse(http.StatusPreconditionFailed, "version-changed", "the ETag is not one of this server")
	}
	return version, nil
}
