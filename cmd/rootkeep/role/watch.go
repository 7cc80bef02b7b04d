package role

import (
	"bytes"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	configured "github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/watchrole"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

// watching is the class of the role that live sources are read with, which no change has.
const watching = "watch"

// renderWatch writes that role: what its sources need, and no more.
func renderWatch(s cli.Streams, of writerole.Role, sources, name, format string) error {
	switch {
	case sources == "":
		return cli.Usage("--class %s needs --sources: the file of the server's setting watch.sources", watching)
	case strings.Contains(name, "{class}"):
		return cli.Usage("--name %s: the role of sources has no class; hint: the name that the file has under role", name)
	case !slices.Contains(watchrole.Formats(), format):
		return cli.Usage("--format %s: want %s", format, strings.Join(watchrole.Formats(), ", "))
	}
	list, err := configured.Read(sources)
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	r := configured.Role(list, name)
	r.Broker, r.ExternalID = of.Broker, of.ExternalID
	var text bytes.Buffer // all or nothing is written
	if err := r.Write(&text, format); err != nil {
		return cli.Usage("%w", err)
	}
	_, err = s.Out.Write(text.Bytes())
	return err
}
