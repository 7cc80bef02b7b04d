package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/keyfile"
)

// Connection is how a command finds the server and what it shows it: --server or
// ROOTKEEP_SERVER; the token in ROOTKEEP_TOKEN, or in a file that only its owner may read.
// A token is never on a command line, which everybody on the machine can see.
type Connection struct {
	server, tokenFile string
}

// Register adds the flags to a command.
func (n *Connection) Register(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&n.server, "server", "", "address of the rootkeep server (default $ROOTKEEP_SERVER)")
	fl.StringVar(&n.tokenFile, "token-file", "", "file with the token, mode 0600 (default $ROOTKEEP_TOKEN, then rootkeep/token in your configuration folder)")
}

// Named says whether a server is named, by the flag or the environment.
func (n *Connection) Named() bool { return n.address() != "" }

func (n *Connection) address() string { return cmp.Or(n.server, os.Getenv("ROOTKEEP_SERVER")) }

// Client makes the client. A server or a token that is missing is an error of the command
// line.
func (n *Connection) Client() (*client.Client, error) {
	if _, err := n.Address(); err != nil {
		return nil, err
	}
	token, err := n.token()
	if err != nil {
		return nil, err
	}
	return n.withToken(token)
}

// Address is the server's address, for what needs no token.
func (n *Connection) Address() (string, error) {
	c, err := n.withToken("")
	if err != nil {
		return "", err
	}
	return c.Server(), nil
}

func (n *Connection) withToken(token string) (*client.Client, error) {
	server := n.address()
	if server == "" {
		return nil, Usage("which server? hint: --server https://rootkeep.example.com or ROOTKEEP_SERVER")
	}
	c, err := client.New(server, token, nil)
	if err != nil {
		return nil, &Error{Code: ExitUsage, Err: err}
	}
	return c, nil
}

func (n *Connection) token() (string, error) {
	if n.tokenFile != "" {
		return readToken(n.tokenFile)
	}
	if token := os.Getenv("ROOTKEEP_TOKEN"); token != "" {
		return token, nil
	}
	folder, err := os.UserConfigDir()
	if err == nil {
		var token string
		if token, err = readToken(filepath.Join(folder, "rootkeep", "token")); !errors.Is(err, fs.ErrNotExist) {
			return token, err
		}
	}
	return "", Usage("no token; hint: --token-file FILE or ROOTKEEP_TOKEN, with a token that the console made")
}

// readToken reads a token from a file that nobody else may read.
func readToken(path string) (string, error) {
	token, err := keyfile.ReadSecret(path)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return token, nil
}

// ServerFlags are the flags of a command that calls a server and reports.
type ServerFlags struct {
	Connection
	Output string // text or json
}

// Register adds the flags to a command.
func (f *ServerFlags) Register(c *cobra.Command) {
	f.Connection.Register(c)
	c.Flags().StringVar(&f.Output, "output", "text", "text or json")
	CompleteValues(c, "output", []string{"text", "json"})
}

// Client checks the output before anything is done, and makes the client.
func (f *ServerFlags) Client() (*client.Client, error) {
	if err := OutputIs(f.Output); err != nil {
		return nil, err
	}
	return f.Connection.Client()
}

// OutputIs refuses an output that is neither text nor JSON.
func OutputIs(output string) error {
	if output != "text" && output != "json" {
		return Usage("--output %s: want text or json", output)
	}
	return nil
}
