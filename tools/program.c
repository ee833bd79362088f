#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* The function through which nvcc's code registers its kernels: part of either runtime library. */
#define REGISTER_FUNCTION "__cudaRegisterFatBinary"

/* 0 if `path` is a file that may be executed, else errno. */
static int executable_error(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	return access(path, X_OK) == 0 ? 0 : errno;
}

static int report_missing(const char *name, int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return cli_fail(CLI_NOT_FOUND, "there is no program '%s'; check its path", name);
	return cli_fail(CLI_NOT_EXECUTABLE, "cannot execute '%s': %s", name, strerror(error));
}

/* Tries name in every folder of PATH; returns 0 or the most telling errno. */
static int search_path(const char *name, char path[PATH_MAX])
{
	const char *folders = getenv("PATH");
	int error = ENOENT;

	while (folders && *folders) {
		int length = (int)strcspn(folders, ":");
		int needed = snprintf(path, PATH_MAX, "%.*s/%s", length ? length : 1, length ? folders : ".", name);
		int result = needed < PATH_MAX ? executable_error(path) : ENAMETOOLONG;
		if (result == 0)
			return 0;
		if (result == EACCES)
			error = EACCES;
		folders += length;
		folders += *folders == ':';
	}
	return error;
}

int program_find(const char *name, char path[PATH_MAX])
{
	int error;

	if (!strchr(name, '/')) {
		error = search_path(name, path);
	} else if (snprintf(path, PATH_MAX, "%s", name) >= PATH_MAX) {
		error = ENAMETOOLONG;
	} else {
		error = executable_error(path);
	}
	return error == 0 ? CLI_OK : report_missing(name, error);
}

/* What the sections of a program tell about CUDA. */
struct cuda_traces {
	bool needs_library;   /* a NEEDED libcudart or libcuda */
	bool has_code;        /* device code */
	bool has_symtab;      /* not stripped */
	bool defines_runtime; /* the register function is inside */
	bool imports_runtime; /* the register function comes from a shared library */
};

static bool starts_with(const char *text, const char *prefix)
{
	return text && !strncmp(text, prefix, strlen(prefix));
}

static void read_needed(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct cuda_traces *traces)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Dyn entry;

	for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
		if (entry.d_tag != DT_NEEDED)
			continue;
		const char *name = elf_strptr(elf, header->sh_link, entry.d_un.d_val);
		if (starts_with(name, "libcudart.so") || starts_with(name, "libcuda.so"))
			traces->needs_library = true;
	}
}

static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct cuda_traces *traces)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	traces->has_symtab |= header->sh_type == SHT_SYMTAB;
	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (!name || strcmp(name, REGISTER_FUNCTION) != 0)
			continue;
		if (symbol.st_shndx == SHN_UNDEF)
			traces->imports_runtime = true;
		else
			traces->defines_runtime = true;
	}
}

static void read_sections(Elf *elf, struct cuda_traces *traces)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0)
		return;
	while ((section = elf_nextscn(elf, section)) != NULL) {
		GElf_Shdr header;
		if (!gelf_getshdr(section, &header))
			continue;
		const char *name = elf_strptr(elf, names, header.sh_name);
		traces->has_code |= starts_with(name, ".nv_fatbin") || starts_with(name, ".nvFatBinSegment");
		if (header.sh_type == SHT_DYNAMIC)
			read_needed(elf, section, &header, traces);
		if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
			read_symbols(elf, section, &header, traces);
	}
}

static enum program_runtime judge(const struct cuda_traces *traces)
{
	if (traces->needs_library || traces->imports_runtime)
		return RUNTIME_SHARED;
	if (traces->defines_runtime || (traces->has_code && !traces->has_symtab))
		return RUNTIME_STATIC;
	return RUNTIME_UNKNOWN;
}

enum program_runtime program_runtime(const char *path)
{
	struct cuda_traces traces = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return RUNTIME_UNKNOWN;
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		read_sections(elf, &traces);
	elf_end(elf);
	close(fd);
	return judge(&traces);
}
