package cli

import (
	"context"
	"net/url"
	"strconv"

	"github.com/rootkeep/rootkeep/client"
)

// mostListed bounds --limit, pageSize what a server is asked for at once.
const (
	mostListed = 10_000
	pageSize   = 200
)

// CheckLimit refuses a --limit that no list has.
func CheckLimit(limit int) error {
	if limit < 1 || limit > mostListed {
		return Usage("--limit %d: want 1 to %d", limit, mostListed)
	}
	return nil
}

// Newest asks a server for the first things of a list, at most limit. Filters that are
// empty are left out.
func Newest[T any](ctx context.Context, server *client.Client, path string, limit int, filters map[string]string) ([]T, error) {
	query := url.Values{"limit": {strconv.Itoa(min(limit, pageSize))}}
	for name, value := range filters {
		if value != "" {
			query.Set(name, value)
		}
	}
	list := []T{}
	for x, err := range client.All[T](ctx, server, path, query) {
		if err != nil {
			return nil, err
		}
		if list = append(list, x); len(list) == limit {
			break
		}
	}
	return list, nil
}
