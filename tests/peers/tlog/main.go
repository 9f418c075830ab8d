// Command tlogpeer reads what the appliance wrote with the Go checksum database's own code, and says yes or no.
//
//	tlogpeer note VKEY FILE
//	tlogpeer inclusion SIZE INDEX ROOT LEAF [HASH...]
//	tlogpeer consistency NEW OLD NEWROOT OLDROOT [HASH...]
//	tlogpeer cosignature PUBLICKEY TIME SIGNATURE FILE
//
// Hashes, keys and signatures are base64. Exit code 0: accepted; 1: rejected; 2: wrong use.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) < 4 {
		stop(2, "wrong use")
	}
	checks := map[string]func([]string) error{
		"note": checkNote, "inclusion": checkInclusion, "consistency": checkConsistency, "cosignature": checkCosignature,
	}
	check, known := checks[os.Args[1]]
	if !known {
		stop(2, "unknown check")
	}
	if err := check(os.Args[2:]); err != nil {
		stop(1, "rejected: "+err.Error())
	}
	fmt.Println("accepted")
}

func checkNote(args []string) error {
	verifier, err := note.NewVerifier(args[0])
	if err != nil {
		return err
	}
	data, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	fmt.Print(opened.Text)
	return nil
}

func checkInclusion(args []string) error {
	return tlog.CheckRecord(hashes(args[4:]), number(args[0]), hash(args[2]), number(args[1]), hash(args[3]))
}

func checkConsistency(args []string) error {
	return tlog.CheckTree(hashes(args[4:]), number(args[0]), hash(args[2]), number(args[1]), hash(args[3]))
}

func checkCosignature(args []string) error {
	text, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	message := []byte("cosignature/v1\ntime " + args[1] + "\n" + string(text))
	if !ed25519.Verify(ed25519.PublicKey(decode(args[0])), message, decode(args[2])) {
		return fmt.Errorf("the cosignature does not verify")
	}
	return nil
}

func hashes(texts []string) []tlog.Hash {
	all := make([]tlog.Hash, 0, len(texts))
	for _, text := range texts {
		all = append(all, hash(text))
	}
	return all
}

func hash(text string) (one tlog.Hash) {
	if copied := copy(one[:], decode(text)); copied != tlog.HashSize {
		stop(2, "a hash is not 32 bytes")
	}
	return one
}

func decode(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		stop(2, err.Error())
	}
	return data
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		stop(2, err.Error())
	}
	return value
}

func stop(code int, why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(code)
}
