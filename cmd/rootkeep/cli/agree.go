package cli

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// Agree asks before something final is done; given is what --yes says. Where nobody can
// answer, only --yes agrees: a script must not do by accident what nobody takes back.
func Agree(s Streams, given bool, what string) error {
	if given {
		return nil
	}
	in, ok := s.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return Usage("%s is final, and there is no terminal to ask on; hint: --yes", what)
	}
	fmt.Fprintf(s.Err, "%s. It is final. Type yes to go on: ", Visible(what))
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "yes" {
		return fmt.Errorf("%s: not done: nobody said yes", what)
	}
	return nil
}
