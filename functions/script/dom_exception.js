'use strict';
// DOMException: errors of the web's own APIs.

const CODES = {
  IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4,
  InvalidCharacterError: 5, NoModificationAllowedError: 7, NotFoundError: 8,
  NotSupportedError: 9, InUseAttributeError: 10, InvalidStateError: 11,
  SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14,
  InvalidAccessError: 15, TypeMismatchError: 17, SecurityError: 18,
  NetworkError: 19, AbortError: 20, URLMismatchError: 21,
  QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24,
  DataCloneError: 25,
};

class DOMException extends Error {
  #name;

  constructor(message = '', name = 'Error') {
    super(`${message}`);
    this.#name = typeof name === 'object' && name !== null
      ? `${name.name ?? 'Error'}` : `${name}`;
    if (typeof name === 'object' && name !== null && 'cause' in name)
      Object.defineProperty(this, 'cause', { value: name.cause,
        writable: true, configurable: true });
    if (typeof this.stack === 'string' && this.stack.startsWith('Error'))
      Object.defineProperty(this, 'stack', { writable: true,
        configurable: true, value: this.#name + this.stack.slice(5) });
  }

  get name() {
    return this.#name;
  }

  get code() {
    return CODES[this.#name] ?? 0;
  }

  get [Symbol.toStringTag]() {
    return 'DOMException';
  }
}
for (const [name, code] of Object.entries(CODES)) {
  const constant = { value: code, enumerable: true };
  const key = `${name.replace(/Error$/, '').replace(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()}_ERR`;
  Object.defineProperty(DOMException, key, constant);
  Object.defineProperty(DOMException.prototype, key, constant);
}

module.exports = { DOMException };
