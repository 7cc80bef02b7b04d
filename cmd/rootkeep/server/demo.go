package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/serve"
)

// DemoCommand is rootkeep demo.
func DemoCommand(s cli.Streams) *cobra.Command {
	var d serve.Demo
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the server over a simulated organization with a past",
		Long: `Demo runs the server over a simulated AWS organization in which four weeks have
passed: people signed in, settings changed, root was used, and rootkeep scanned and
hunted as it does in a real one. Then the present begins: its trail brings events every
few seconds, and now and then something goes wrong. Nothing of it reaches AWS, and notices
go to a receiver on this machine.

The first start makes the past while the server answers: open the address that it
prints and look on. The past is kept in --folder for half a day; --fresh makes it anew,
and a start after one that was stopped half-way begins again.

Whoever comes without a key is a visitor, who reads and changes nothing. The link that
is printed once the past is made enrols a security key or a passkey as that of the first
administrator. Only this machine can reach the server.`,
		Example: `  rootkeep demo
  rootkeep demo --fresh
  rootkeep demo --listen localhost:0 --folder /tmp/rootkeep-demo`,
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c.Context(), s, d) },
	}
	fl := c.Flags()
	fl.StringVar(&d.Folder, "folder", "", "where the past is kept (default in the user's cache folder)")
	fl.BoolVar(&d.Fresh, "fresh", false, "make the past anew")
	fl.StringVar(&d.Listen, "listen", "localhost:8080", "address of this machine to listen on; port 0 takes a free one")
	return c
}

func runDemo(ctx context.Context, s cli.Streams, d serve.Demo) error {
	if d.Folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return errors.Join(err, errors.New("hint: --folder"))
		}
		d.Folder = filepath.Join(cache, "rootkeep", "demo")
	}
	d.Version = cli.Version()
	terminal := false
	if _, ok := cli.TerminalWidth(s.Err); ok {
		terminal = true
	}
	d.Day = func(day, days int) {
		switch {
		case terminal:
			fmt.Fprintf(s.Err, "\rrootkeep: making the past, day %d of %d\x1b[K", day, days)
			if day == days {
				fmt.Fprint(s.Err, "\r\x1b[K")
			}
		case day%7 == 0:
			fmt.Fprintf(s.Err, "rootkeep: making the past, day %d of %d\n", day, days)
		}
	}
	d.Made = func(link string) { enrol(s, link) }
	return serve.RunDemo(ctx, d, s.Err, announce(s))
}

// announce says where the server is.
func announce(s cli.Streams) serve.Started {
	return func(address, link string) {
		fmt.Fprintf(s.Out, "rootkeep: open %s\n", address)
		enrol(s, link)
	}
}

// enrol tells the link of the first administrator, if there is one.
func enrol(s cli.Streams, link string) {
	if link != "" {
		fmt.Fprintf(s.Out, "rootkeep: nobody has a key yet. Whoever opens this link within a day, once, becomes the first administrator:\n  %s\n", link)
	}
}
