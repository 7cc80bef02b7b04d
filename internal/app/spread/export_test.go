package spread

// Unpack lays a kit out in a folder.
func Unpack(text []byte, dir string) error {
	_, _, err := unpack(text, dir)
	return err
}
