// A source that worker threads make from this file's URL; what it does wrong, its options say.
export default function make({ length, damaged, throws, exits, wrongLength }) {
  return {
    name: 'odd',
    split: 'train',
    length: wrongLength ?? length,
    classNames: ['a'],
    read(index) {
      if (index === damaged) throw Object.assign(new Error('it is cut'), { name: 'DatasetError' });
      if (index === throws) throw new TypeError('a bug');
      if (index === exits) process.exit(3);
      return { data: new Float32Array([index]), shape: [1], label: 0 };
    },
  };
}
